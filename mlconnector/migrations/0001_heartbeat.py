
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='Heartbeat',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('queue', models.CharField(max_length=40)),
                ('host', models.CharField(max_length=120)),
                ('pid', models.PositiveIntegerField()),
                ('at', models.DateTimeField()),
                ('busy', models.BooleanField(default=False)),
            ],
            options={
                'indexes': [models.Index(fields=['queue', '-at'], name='heartbeat_by_queue')],
                'constraints': [models.UniqueConstraint(fields=('queue', 'host', 'pid'), name='heartbeat_once_per_worker')],
            },
        ),
    ]
